module a.b/c
retract [ v1.0.0 , v1.0.1 ] // x
