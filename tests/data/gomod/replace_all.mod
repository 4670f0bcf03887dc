module a.b/c
replace d.e/a => ./a
replace d.e/b v1.0.0 => ../b
replace d.e/c => f.g/c v1.0.0
replace d.e/d v1.0.0 => f.g/d v1.0.0
replace d.e/e/v2 => f.g/e v1.0.0
replace d.e/f => "C:\\x"
