module a.b/é
replace d.e/f => ./中文
retract v1.0.0 // ü
