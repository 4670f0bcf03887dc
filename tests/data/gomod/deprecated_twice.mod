// Deprecated: one
//
// Deprecated: two
module a.b/c
