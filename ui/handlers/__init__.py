"""What happens on the page: one short function per event, each for the user of its request.

Only `Transcript.listen` streams. The others answer at once, outside the queue. Opening another
conversation ends the stream of the previous one, never the answer itself.
"""
