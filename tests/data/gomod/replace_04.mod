module a.b/c
replace d.e/a => ./a v1.0.0
