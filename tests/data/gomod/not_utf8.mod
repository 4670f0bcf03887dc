module a.b/ÿþ
replace d.e/f => ./Ã(
// ÿ
retract v1.0.0 //   x
require "g.h/ÿ" v1.0.0
