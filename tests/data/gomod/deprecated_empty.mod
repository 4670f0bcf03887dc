// Deprecated:
module a.b/c
