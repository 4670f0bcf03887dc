module a.b/c
go v1.21-something
