module a.b/c
require (
	d.e/f (
	)
)
