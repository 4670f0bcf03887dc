module a.b/c
go 1.21.3
