module (
	a.b/c // Deprecated: in a block
)
