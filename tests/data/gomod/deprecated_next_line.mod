// Deprecated:
// below
module a.b/c
