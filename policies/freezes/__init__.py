"""The calendar of freezes and business hours: windows, exceptions, iCalendar in and out."""
