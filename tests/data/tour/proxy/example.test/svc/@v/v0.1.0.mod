module example.test/svc

go 1.18
