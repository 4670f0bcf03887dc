module a.b/c
go 1.18beta1.2
