module a.b/c // Deprecated: yes
