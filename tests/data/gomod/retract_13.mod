module a.b/c
retract ) v1
