module ../not/a/path
