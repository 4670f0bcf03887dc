// Deprecated: x
module a.b/c

go 1.16
require (
	d.e/f v1.0.0 // indirect

	// why
	g.h/i v1.0.0
)
// r
retract v1.0.0 // s
