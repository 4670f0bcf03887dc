module a.b/c
/* no */
