module a.b/c
replace d.e/a=>./a
