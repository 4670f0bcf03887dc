// Deprecated:    many   
module a.b/c
