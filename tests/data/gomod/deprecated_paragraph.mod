// Package.
//
// Deprecated: use
// another one.
//
// More.
module a.b/c // behind
