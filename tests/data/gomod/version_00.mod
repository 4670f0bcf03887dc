module a.b/c

require d.e/a 1.2.3
