module a.b/c
replace d.e/f => "./\xff\377"
