"""The single yes or no: may this principal do this to that?"""
