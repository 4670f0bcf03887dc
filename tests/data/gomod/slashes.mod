module a.b//c
