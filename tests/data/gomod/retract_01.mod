module a.b/c
retract [
