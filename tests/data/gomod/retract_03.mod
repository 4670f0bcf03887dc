module a.b/c
retract [v1.0.0]
