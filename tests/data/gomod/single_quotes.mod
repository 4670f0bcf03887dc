module 'a.b/c'
