module a.b/c
module d.e/f
