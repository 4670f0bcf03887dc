module a.b/c

require "" v1.0.0
