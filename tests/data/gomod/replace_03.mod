module a.b/c
replace d.e/a => f.g/a@v1.0.0
