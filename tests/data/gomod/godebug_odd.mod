module a.b/c
godebug =
godebug a==b=
