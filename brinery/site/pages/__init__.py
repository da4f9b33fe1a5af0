"""How the site looks: its templates, style and script, and what fills them."""
