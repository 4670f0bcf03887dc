module a.b/c
go 1
