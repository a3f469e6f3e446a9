"""What the staff pages of feeds show and do; the views themselves are in `dashboard.views`."""
