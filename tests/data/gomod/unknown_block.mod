module a.b/c

future (
	x
)
require d.e/f v1.0.0
