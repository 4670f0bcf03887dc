module a.b/c
require d.e/f (
	v1.0.0
)
