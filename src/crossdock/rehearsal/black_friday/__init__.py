"""Black Friday: a hundredfold burst, an ERP that asks for less and goes down, a quota that is nearly used up."""
