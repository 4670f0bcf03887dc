module a.b/c
replace d.e/a => f.g/a
