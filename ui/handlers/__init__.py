"""What happens on the page: one short function per event, each for the user of its request.

Only `Transcript.listen` streams. The others answer at once and leave the queue alone; who looks
elsewhere ends the stream of what was looked at before, never the answer itself.
"""
