module a.b/c
replace => => ./a
