module a.b/c
require ( )
exclude () // c
retract ()
