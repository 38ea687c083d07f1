"""What observing costs this process, measured by samples, and kept within a budget; loaded where a budget is set (ADR 22)."""
