module a.b/c
go 1.20
go 1.21
