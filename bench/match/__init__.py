"""How well and how fast customers are recognised, beside others."""
