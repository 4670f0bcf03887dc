module a.b/c
require ()
require (
)
require ( // comment
	// first

	d.e/f v1.0.0


	g.h/i v1.0.0 // indirect
	// last
) // end
require ( d.e/j v1.0.0 )
