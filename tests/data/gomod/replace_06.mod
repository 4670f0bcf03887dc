module a.b/c
replace d.e/a v2.0.0 => ./a
