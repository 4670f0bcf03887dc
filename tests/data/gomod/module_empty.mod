module ""
