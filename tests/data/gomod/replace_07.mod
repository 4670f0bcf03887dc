module a.b/c
replace d.e/a v1.0.0 v1 => ./a
