module a.b/c

// One.
retract v1.0.0

// Not attached.

retract v1.0.1 // two
retract [v1.1.0, v1.2.0] // three

// Block.
retract (
	v1.3.0

	v1.3.1
	// Own.
	//
	// Twice.
	[v1.3.2,v1.3.3] // behind
	v1.3
	nonsense
)
retract v1.4.0+meta
