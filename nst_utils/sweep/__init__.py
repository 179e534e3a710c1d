"""Many pictures at once: every combination of photos, paintings and settings, on one machine or on a cluster."""
