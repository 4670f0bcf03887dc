module a.b/c
future x
require d.e/f
