"""What marketers write: read with every mistake's place, checked by rules, rehearsed, drawn, and rendered."""
